/** The order that a mail is about, by what it says. Pure. */

const aboutOrder = /\border\s+([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b/i

/** @returns the order's id as mails of this system write it (`Order <id>`); undefined for a mail about something else */
export const orderIn = (text: string): string | undefined => aboutOrder.exec(text)?.[1]

/** The request isn't one: nothing of it was taken. */
export class Malformed extends Error {}

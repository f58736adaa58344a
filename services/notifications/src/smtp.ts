/** The way to the mail server: connections that are kept, opened with the first mail. */
import type { Transporter } from 'nodemailer'
import { limits } from './config.ts'

export interface Letter {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly messageId: string
}

/** Sends letters over SMTP. */
export class Smtp {
  readonly #url: string
  #transport: Transporter | undefined

  /** @param url `smtp://host:port`, with a user's name and password where there is one */
  constructor(url: string) {
    this.#url = url
  }

  /** @throws Error as the mail server refuses it, or of a server that is away */
  async send(letter: Letter): Promise<void> {
    await (await this.#open()).sendMail(letter)
  }

  close(): void {
    this.#transport?.close()
  }

  /** Loaded with the first mail: a service that sends none does not carry it. */
  async #open(): Promise<Transporter> {
    if (this.#transport) return this.#transport
    // CommonJS: in a bundle its exports are under `default` alone.
    const { createTransport } = (await import('nodemailer')).default
    this.#transport ??= createTransport({
      url: this.#url,
      pool: true,
      maxConnections: limits.smtpConnectionsMax,
      connectionTimeout: limits.smtpTimeoutMs,
      greetingTimeout: limits.smtpTimeoutMs,
      socketTimeout: limits.smtpTimeoutMs,
    } as Parameters<typeof createTransport>[0])
    return this.#transport
  }
}

/** One mail: who sent it to whom, and what it says as text, as HTML, or in its headers. */
import type { MailView } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { bytes } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import { Skeleton } from '../../shell/skeleton.tsx'
import { TableBox } from '../../shell/table-box.tsx'
import { orderIn } from './order-in.ts'
import { mailWords } from './words.ts'

/** @param id as the sink counts them; `?as=` says how it is shown */
export function OneMail({ id }: { id: string }) {
  const words = useWords(mailWords)
  const query = useQuery()
  const { answer: mail, refused } = useRead<MailView>(`/api/mails/${id}`, 0)
  if (mail === undefined)
    return refused === undefined ? <Skeleton rows={8} /> : <p className="card gone">{words.away(refused)}</p>
  const { html, ...others } = words.views
  const names = { text: others.text, ...(mail.hasHtml ? { html } : {}), headers: others.headers }
  const asked = query.get('as')
  const shown =
    asked === 'headers' || asked === 'text' || (asked === 'html' && mail.hasHtml)
      ? asked
      : mail.hasHtml && mail.text === ''
        ? 'html'
        : 'text'
  return (
    <article className="card mail" data-mail={mail.id}>
      <Head mail={mail} />
      <Radios
        name="mail-view"
        legend={words.view}
        names={names}
        value={shown}
        choose={(as) => say({ as: as === 'text' ? undefined : as })}
      />
      {shown === 'html' ? (
        <iframe sandbox="" src={`/api/mails/${mail.id}/html`} title={words.frame} referrerPolicy="no-referrer" />
      ) : shown === 'headers' ? (
        <Headers headers={mail.headers} />
      ) : (
        <pre>{mail.text || words.noText}</pre>
      )}
    </article>
  )
}

function Head({ mail }: { mail: MailView }) {
  const words = useWords(mailWords)
  const { language } = usePreferences()
  const order = orderIn(`${mail.subject}\n${mail.text}`)
  const received = new Date(mail.receivedAt).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'medium' })
  const facts: [string, string][] = [
    [words.from, mail.from],
    [words.to, mail.to.join(', ')],
    [words.received, received],
    [words.attachments, mail.attachments.map((one) => `${one.name} (${bytes(one.bytes, language)})`).join(', ')],
    ['Message-ID', mail.messageId],
  ]
  return (
    <header>
      <p className="mail-links">
        <Link className="button all" href={`/mail${location.search}`}>
          {words.back}
        </Link>
        {order !== undefined && (
          <Link className="button" href={`/orders/${order}`}>
            <Icon name="cart" />
            {words.order}
          </Link>
        )}
      </p>
      <h2>{mail.subject || words.noSubject}</h2>
      {mail.duplicateOf !== undefined && <p className="again">{words.sentAgain(mail.duplicateOf)}</p>}
      <dl>
        {facts
          .filter(([, text]) => text !== '')
          .map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
      </dl>
    </header>
  )
}

function Headers({ headers }: { headers: MailView['headers'] }) {
  const words = useWords(mailWords)
  return (
    <TableBox className="mail-headers" label={words.views.headers}>
      <dl>
        {Object.entries(headers).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </TableBox>
  )
}

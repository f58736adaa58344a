/** Mails that the system has sent, as the mail sink got them. What is looked for and what is open are in the address. */
import type { MailBrief, MailsAnswer } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { FindField } from '../../shell/find-field.tsx'
import { clock, count } from '../../shell/format.ts'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { OneMail } from './one-mail.tsx'
import './mail.css'
import { mailWords } from './words.ts'

const againMs = 4_000
const rowsMax = 50

/** @param rest of the path: the id of the mail that is open; `?q=` is looked for, `?before=` is where the list begins */
export default function MailPage({ rest }: { rest: string }) {
  const words = useWords(mailWords)
  const query = useQuery()
  return (
    <div className="page mail-page" data-open={rest !== '' || undefined}>
      <div className="mail-side">
        <search className="card filters">
          <FindField
            wide
            label={words.find}
            hint={words.findHint}
            value={query.get('q') ?? ''}
            find={(q) => say({ q, before: undefined })}
          />
        </search>
        <MailList query={query} open={rest} />
      </div>
      {rest === '' ? <p className="card hint mail-none">{words.choose}</p> : <OneMail key={rest} id={rest} />}
    </div>
  )
}

function MailList({ query, open }: { query: URLSearchParams; open: string }) {
  const words = useWords(mailWords)
  const { language } = usePreferences()
  const [contains, before] = [query.get('q') ?? '', query.get('before') ?? '']
  const asked = new URLSearchParams({
    limit: String(rowsMax),
    ...(contains === '' ? {} : { contains }),
    ...(/^\d{1,12}$/.test(before) ? { before } : {}),
  })
  const { answer, refused } = useRead<MailsAnswer>(`/api/mails?${asked}`, againMs)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={8} /> : <p className="card gone">{words.away(refused)}</p>
  const { mails, total, next } = answer
  return (
    <nav className="card mails" aria-label={words.list}>
      <p className="hint" role="status">
        {total === 0 ? (contains === '' ? words.none : words.noneLike) : words.count(count(total, language))}
      </p>
      <ol>
        {mails.map((mail) => (
          <li key={mail.id}>
            <Row mail={mail} open={mail.id === open} />
          </li>
        ))}
      </ol>
      <p className="buttons">
        {before !== '' && (
          <button type="button" onClick={() => say({ before: undefined })}>
            {words.newest}
          </button>
        )}
        {next !== undefined && (
          <button type="button" onClick={() => say({ before: next })}>
            {words.older}
          </button>
        )}
      </p>
    </nav>
  )
}

function Row({ mail, open }: { mail: MailBrief; open: boolean }) {
  const words = useWords(mailWords)
  const { language } = usePreferences()
  return (
    <Link href={`/mail/${mail.id}${location.search}`} data-mail={mail.id} aria-current={open ? 'page' : undefined}>
      <b>{mail.subject || words.noSubject}</b>
      <time dateTime={mail.receivedAt}>{clock(mail.receivedAt, language)}</time>
      <span className="to">{mail.to.join(', ')}</span>
      {mail.duplicateOf !== undefined && <span className="again">{words.again}</span>}
    </Link>
  )
}

/** The sink's own page: one document, nothing loaded from elsewhere. Mail text reaches it only as text. */

/** Mails are shown in a frame without scripts; images from elsewhere are not fetched, so no sender learns of a reader. */
export const pageHeaders = (nonce: string) => ({
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
})

/**
 * The HTML of the inbox.
 * @param nonce of the Content-Security-Policy: only the page's own script and style run
 */
export const page = (nonce: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail sink</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --line: light-dark(#d9dde3, #333a44); --soft: light-dark(#5a6472, #9aa5b4);
  --paper: light-dark(#fff, #14181d); --lift: light-dark(#f4f6f8, #1c2229); --ink: light-dark(#1a1f26, #e6eaf0);
  --accent: light-dark(#0b5fce, #7db4ff); --warn: light-dark(#9a5b00, #f0b35a) }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; background: var(--paper); color: var(--ink); height: 100dvh;
  display: grid; grid-template: auto 1fr / minmax(18rem, 26rem) 1fr }
header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center;
  padding: .6rem 1rem; border-bottom: 1px solid var(--line) }
h1 { font-size: 1.05rem; margin: 0 }
#count { color: var(--soft); margin-right: auto }
input { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--lift);
  color: inherit; min-width: 0; flex: 1 1 9rem; max-width: 16rem }
#list { overflow: auto; border-right: 1px solid var(--line); margin: 0; padding: 0; list-style: none }
#list button { all: unset; display: block; width: 100%; box-sizing: border-box; padding: .6rem 1rem; cursor: pointer;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
#list button:hover, #list button[aria-current=true] { background: var(--lift) }
:focus-visible { outline: 2px solid var(--accent) !important; outline-offset: -2px }
.subject { font-weight: 600 }
.row { display: flex; justify-content: space-between; gap: .75rem; color: var(--soft); font-size: .87rem }
.row time { white-space: nowrap }
.duplicate { color: var(--warn) }
main { overflow: auto; padding: 1rem; min-width: 0 }
main h2 { font-size: 1.15rem; margin: 0 0 .75rem; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .8rem; margin: 0 0 1rem; font-size: .9rem }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 0 0 1rem; padding: 1rem; background: var(--lift);
  border-radius: 8px }
iframe { width: 100%; height: 50vh; border: 1px solid var(--line); border-radius: 8px; background: #fff }
summary { cursor: pointer; color: var(--accent) }
.empty { color: var(--soft); padding: 1rem }
#back { display: none }
@media (max-width: 700px) {
  body { grid-template: auto 1fr / 1fr }
  #list { border-right: 0 }
  main { display: none }
  body.reading #list { display: none }
  body.reading main { display: block }
  #back { display: inline-block; font: inherit; margin-bottom: .8rem; padding: .35rem .8rem; border-radius: 6px;
    border: 1px solid var(--line); background: var(--lift); color: inherit }
}
</style>
</head>
<body>
<header>
  <h1>Mail sink</h1><span id="count" role="status"></span>
  <input id="to" type="search" placeholder="Recipient address" aria-label="Recipient address">
  <input id="subject" type="search" placeholder="Words of the subject" aria-label="Words of the subject">
</header>
<ol id="list" aria-label="Mails, newest first"></ol>
<main><button id="back">Back to the list</button><article id="mail"><p class="empty">Choose a mail.</p></article></main>
<script nonce="${nonce}">
const $ = (id) => document.getElementById(id)
const make = (tag, text, className) => {
  const element = document.createElement(tag)
  if (text !== undefined) element.textContent = text
  if (className) element.className = className
  return element
}
let chosen, shown = ''
async function refresh() {
  const query = new URLSearchParams({ limit: '100', to: $('to').value.trim(), subject: $('subject').value.trim() })
  try {
    const response = await fetch('/mails?' + query)
    if (!response.ok) throw new Error(response.status)
    const { mails, total } = await response.json()
    $('count').textContent = total === 0 ? 'no mail' : total + (total === 1 ? ' mail' : ' mails') +
      (total > mails.length ? ', newest ' + mails.length + ' shown' : '')
    const state = JSON.stringify([chosen, mails.map((mail) => mail.id)])
    if (state !== shown) { shown = state; list(mails) }
  } catch { $('count').textContent = 'the mail sink does not answer' }
}
function list(mails) {
  const focused = document.activeElement?.dataset?.id
  $('list').replaceChildren(...mails.map((mail) => {
    const button = make('button')
    button.dataset.id = mail.id
    button.setAttribute('aria-current', String(mail.id === chosen))
    const row = make('div', undefined, 'row')
    const time = make('time', new Date(mail.receivedAt).toLocaleTimeString())
    time.dateTime = mail.receivedAt
    row.append(make('span', mail.to.join(', ')), time)
    button.append(make('div', mail.subject || '(no subject)', 'subject'), row)
    if (mail.duplicateOf) button.append(make('div', 'same Message-ID as mail ' + mail.duplicateOf, 'duplicate'))
    button.onclick = () => { chosen = mail.id; location.hash = mail.id; document.body.classList.add('reading'); show(mail); list(mails) }
    const item = make('li')
    item.append(button)
    return item
  }))
  if (mails.length === 0) $('list').append(make('li', 'Mails appear here as they arrive.', 'empty'))
  if (focused) document.querySelector('[data-id="' + focused + '"]')?.focus()
}
function show(mail) {
  const facts = make('dl')
  for (const [name, value] of [['From', mail.from], ['To', mail.to.join(', ')], ['Received', new Date(mail.receivedAt).toLocaleString()],
    ['Message-ID', mail.messageId], ['Attachments', mail.attachments.map((each) => each.name + ' (' + each.bytes + ' B)').join(', ')]])
    if (value) facts.append(make('dt', name), make('dd', value))
  const parts = [make('h2', mail.subject || '(no subject)'), facts]
  if (mail.text) parts.push(make('pre', mail.text))
  if (mail.html) {
    const frame = make('iframe')
    frame.setAttribute('sandbox', '')
    frame.title = 'The mail as HTML'
    frame.srcdoc = mail.html
    parts.push(frame)
  }
  const all = make('details')
  all.append(make('summary', 'All headers'),
    make('pre', Object.entries(mail.headers).map(([name, value]) => name + ': ' + value).join('\\n')))
  parts.push(all)
  $('mail').replaceChildren(...parts)
}
$('back').onclick = () => { document.body.classList.remove('reading'); document.querySelector('[aria-current=true]')?.focus() }
$('to').oninput = $('subject').oninput = refresh
async function openHash() {
  const id = location.hash.slice(1)
  if (!/^\\d+$/.test(id) || id === chosen) return
  const response = await fetch('/mails/' + id)
  if (!response.ok) return
  chosen = id
  document.body.classList.add('reading')
  show(await response.json())
}
addEventListener('hashchange', openHash)
openHash().then(refresh)
setInterval(() => { if (!document.hidden) refresh() }, 2000)
</script>
</body>
</html>
`

/** How a status looks, wherever it is drawn. */

/** Good, bad or busy. */
export const lookOf = (status: string): 'good' | 'bad' | 'busy' =>
  status === 'completed' ? 'good' : status === 'rejected' || status === 'cancelled' ? 'bad' : 'busy'

/** Of an event's pill: how the order's new status looks; plain where the event changes none. */
export const pillLookOf = (status: string | undefined): 'good' | 'bad' | 'strong' | '' => {
  if (!status) return ''
  const look = lookOf(status)
  return look === 'busy' ? 'strong' : look
}

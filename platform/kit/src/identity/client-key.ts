/** One client, for whoever counts: the gateway's limits, the throttle of logins. */
export { addressKey as limitKeyOf } from '@svyaz/listener'

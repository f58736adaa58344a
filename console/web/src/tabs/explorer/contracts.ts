/** What the contracts say, made while the page is built (web/declared-api.ts), and what every kind of page here gets. */
import { api as given } from 'virtual:api'
import type { CallerName } from '../../../../explore.ts'
import type { DeclaredApi } from '../../../declared-api.ts'

export const api: DeclaredApi = given

export interface KindProps {
  /** What is shown, of its kind: an operation, a method, a channel; '' for the first. */
  readonly name: string
  readonly as: CallerName
}

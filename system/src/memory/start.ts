/** Part of every bundle: from the start on, a process gives memory back when it rests. */
import { collectAtRest } from './at-rest.ts'

collectAtRest()

import { runService } from '@svyaz/kit'
import { service } from './service.ts'

await runService(service)

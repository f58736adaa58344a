/** Every tool of the MCP server, in the order in which they are offered. */
import { assignmentChanges, assignmentTools } from './assignment.ts'
import { orderTools } from './orders.ts'
import { processChanges, processTools } from './processes.ts'
import { settingChanges, settingTools } from './settings.ts'
import { telemetryTools } from './telemetry.ts'
import type { Tool } from './tool.ts'
import { topicChanges, topicTools } from './topics.ts'

/** Those that only look, then those that change something. */
export const tools: readonly Tool[] = [
  ...processTools,
  ...orderTools,
  ...telemetryTools,
  ...topicTools,
  ...settingTools,
  ...assignmentTools,
  ...processChanges,
  ...topicChanges,
  ...settingChanges,
  ...assignmentChanges,
]

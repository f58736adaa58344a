/** The system with reviews in it: `npx svyaz up --topology examples/01-first-service/test/topology.ts`. */
import { topology as system, type Topology } from '../../../system/topology.ts'

/** Reviews needs what inventory needs: PostgreSQL and what carries every service. */
const inventory = system.processes.find(({ name }) => name === 'inventory')!

export const topology: Topology = {
  processes: [...system.processes, { ...inventory, name: 'reviews', entry: 'examples/01-first-service/src/main.ts' }],
}

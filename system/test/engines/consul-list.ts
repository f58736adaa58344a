/**
 * For a Prometheus that was built without Consul discovery (Debian leaves it out): the same targets with the same labels
 * as an HTTP list (https://prometheus.io/docs/prometheus/latest/http_sd/), made from Consul's own answers at each request.
 */
import { createServer } from 'node:http'
import { answers } from './engine.ts'

interface CatalogRow {
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceAddress: string
  readonly ServicePort: number
  readonly ServiceMeta: Readonly<Record<string, string>>
}

export async function consulList(consulUrl: string): Promise<{ url: string } & AsyncDisposable> {
  const targets = async () => {
    const names = Object.keys(JSON.parse(await answers(`${consulUrl}/v1/catalog/services`)) as object)
    const rows = await Promise.all(
      names.map(async (name) => JSON.parse(await answers(`${consulUrl}/v1/catalog/service/${name}`)) as CatalogRow[]),
    )
    return rows.flat().map((row) => ({
      targets: [`${row.ServiceAddress}:${row.ServicePort}`],
      labels: {
        __meta_consul_service: row.ServiceName,
        __meta_consul_service_id: row.ServiceID,
        __meta_consul_service_address: row.ServiceAddress,
        ...Object.fromEntries(
          Object.entries(row.ServiceMeta).map(([key, value]) => [`__meta_consul_service_metadata_${key}`, value]),
        ),
      },
    }))
  }
  const server = createServer((_request, response) => {
    targets().then(
      (list) => response.setHeader('content-type', 'application/json').end(JSON.stringify(list)),
      (error: unknown) => response.writeHead(503).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The kit's rooms: each says in one comment in which order to read it, and leaves none of its files out. */
import { type Finding, isTest, type Project } from './project.ts'

const rooms = 'platform/kit/src/'

/** Rooms without a reading order or with two, files that an order leaves out, names that lead nowhere. */
export function checkRooms({ sources }: Project): Finding[] {
  const inRooms = sources.filter(({ path }) => path.startsWith(rooms) && !isTest(path))
  const byRoom = Map.groupBy(
    inRooms.filter(({ path }) => path.slice(rooms.length).includes('/')),
    ({ path }) => path.slice(0, path.indexOf('/', rooms.length)),
  )
  return [...byRoom].flatMap(([room, files]): Finding[] => {
    const orders = files.flatMap(({ path, openingComment }) => {
      const names = readOrder(openingComment)
      return names === undefined ? [] : [{ path, names }]
    })
    const [order] = orders
    if (order === undefined || orders.length > 1) {
      return [{ path: room, message: `${orders.length} opening comments say "Read in this order:", not one` }]
    }
    const there = new Set(files.map(({ path }) => path.slice(room.length + 1)))
    return [
      ...[...there].filter((name) => !order.names.includes(name)).map((name) => `its reading order leaves out ${name}`),
      ...order.names
        .filter((name) => !there.has(name))
        .map((name) => `its reading order names ${name}, which is not there`),
    ].map((message) => ({ path: order.path, message }))
  })
}

/** The files that a comment lists, as paths from its room; undefined where it has no list. */
function readOrder(comment: string): string[] | undefined {
  const list = /\bRead in this order:([\s\S]*)/.exec(comment)?.[1]
  return list?.match(/[\w-]+(?:\/[\w-]+)*\.ts\b/g) ?? undefined
}

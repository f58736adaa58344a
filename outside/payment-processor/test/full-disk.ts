/** Run by full-disk.test.ts under a file size limit: the system itself refuses writes, part of the bytes written. */
import { readFile } from 'node:fs/promises'
import { DiskRefused, encodeLine, openSyncedFile } from '@svyaz/stage'

const path = process.argv[2] ?? ''
const broken = (error: unknown) => {
  throw error
}
const { file } = await openSyncedFile(path, broken)
const synced: number[] = []
async function add(padding: number): Promise<string> {
  let sequence = 0
  const encode = (place: number) => {
    sequence = synced.length + 1 + place
    return encodeLine({ sequence, pad: 'x'.repeat(padding) })
  }
  try {
    await file.append(encode, () => synced.push(sequence))
    return 'kept'
  } catch (error) {
    return error instanceof DiskRefused ? 'refused' : String(error)
  }
}
const answers = await Promise.all([add(1_000), add(1_000)])
answers.push(...(await Promise.all([add(50_000), add(10)])))
const lengths = [file.syncedBytes, (await readFile(path)).length]
answers.push(await add(100))
await file[Symbol.asyncDispose]()
const again = await openSyncedFile(path, broken)
await again.file[Symbol.asyncDispose]()
const kept = again.values.map((value) => (value as { sequence: number }).sequence)
process.stdout.write(
  JSON.stringify({ answers, synced, kept, tornBytes: again.tornBytes, sameLength: lengths[0] === lengths[1] }),
)

// A process that opens the stack on a directory, says so, and stays: for tests to kill.
import { openStack } from '../src/stack.ts'

const [, , dataDir = ''] = process.argv
const log = { info: console.error, warn: console.error }
const stack = await openStack({ dataDir, env: { STACK: 'local' }, kafka: false, log })
console.log(JSON.stringify(stack.addresses))
process.once('SIGTERM', () => stack.close())

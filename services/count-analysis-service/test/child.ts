/** Longer than any test, and not for ever: a run that was killed must leave nothing behind. */
const spinMs = 60_000

/** A program for the pool's tests: does what it is told. */
process.on('message', (message: { do: string; ms?: number }) => {
  if (message.do === 'die') process.exit(3)
  if (message.do === 'spin') for (const end = Date.now() + spinMs; Date.now() < end; );
  const tell = () => process.send?.({ pid: process.pid, env: Object.keys(process.env), said: message.do })
  if (message.ms === undefined) tell()
  else setTimeout(tell, message.ms)
})
process.on('disconnect', () => process.exit())

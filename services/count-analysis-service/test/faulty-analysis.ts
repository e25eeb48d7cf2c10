/** Longer than any test, and not for ever: a run that was killed must leave nothing behind. */
const spinMs = 60_000

/** An analysis process that does what the name of the count says. */
process.on('message', ({ series: { id } }: { series: { id: string } }) => {
  if (id === 'die') process.exit(3)
  if (id === 'spin') for (const end = Date.now() + spinMs; Date.now() < end; );
  process.send?.({ failed: 'it was told to' })
})
process.on('disconnect', () => process.exit())

import { expect, test } from 'vitest'
import { type Message, openSendQueue } from '../src/send-queue.ts'
import { change, changes } from './event-bus-contract.ts'

/** A send that the test ends, one at a time. */
function gated() {
  const sent: string[][] = []
  const gates: PromiseWithResolvers<void>[] = []
  const send = (messages: Message[]) => {
    const gate = Promise.withResolvers<void>()
    sent.push(messages.map(({ value }) => JSON.parse(value).id))
    gates.push(gate)
    return gate.promise
  }
  return { sent, gates, send }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('one send is in flight; what arrives meanwhile goes with the next', async () => {
  const { sent, gates, send } = gated()
  const queue = openSendQueue(send)
  const all = [1, 2, 3].map((n) => queue.publish([change('a', n)]))
  await turn()
  expect(sent).toEqual([['a:1']])
  gates[0]?.resolve()
  await all[0]
  await turn()
  expect(sent).toEqual([['a:1'], ['a:2', 'a:3']])
  gates[1]?.resolve()
  await Promise.all(all)
})

test('a failed send rejects what waits behind it, so that nothing overtakes what is sent again', async () => {
  const { sent, gates, send } = gated()
  const queue = openSendQueue(send)
  const first = expect(queue.publish([change('a', 1)])).rejects.toThrow('broken')
  const second = expect(queue.publish([change('a', 2)])).rejects.toThrow('broken')
  gates[0]?.reject(new Error('broken'))
  await Promise.all([first, second])
  expect(sent).toEqual([['a:1']])
  const again = queue.publish([change('a', 1), change('a', 2)])
  gates[1]?.resolve()
  await again
  expect(sent[1]).toEqual(['a:1', 'a:2'])
})

test('a long list goes in parts, one after the other, and closing waits for them', async () => {
  const sizes: number[] = []
  const queue = openSendQueue(async (messages) => {
    await turn()
    sizes.push(messages.length)
  })
  const publishing = queue.publish(changes('a', 1, 1200))
  await queue.close()
  await publishing
  expect(sizes).toEqual([500, 500, 200])
  await expect(queue.publish([change('a', 1)])).rejects.toThrow('closed')
})

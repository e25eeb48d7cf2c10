/** @typedef {import('../types.js').Board} Board */
/** @typedef {import('../types.js').BoardSeries} BoardSeries */
/** @typedef {import('../types.js').Frames} Frames */
/** What a frame changed: `all`, or the counts and panels of these ids. @typedef {{ all: boolean, counts: Set<string>, panels: Set<string>, alerts: boolean }} Change */

/** @param {Frames['snapshot']} frame @returns {Board} */
const boardOf = (frame) => ({
  at: Date.parse(frame.at),
  day: dayOf(Date.parse(frame.at), frame.zone),
  zone: frame.zone,
  dashboard: frame.dashboard,
  status: frame.status,
  counts: new Map(frame.counts.map((count) => [count.id, count])),
  panels: new Map(frame.panels.map((panel) => [panel.id, panel])),
  series: new Map(frame.series.map((series) => [series.range, seriesOf(series)])),
  alerts: frame.alerts,
})

/** @param {Frames['snapshot']['series'][number]} series @returns {BoardSeries} */
const seriesOf = ({ stepS, at, counts }) => ({
  stepS,
  at: [...at],
  counts: new Map(counts.map(({ id, base, values }) => [id, { base, values: [...values] }])),
})

/** The day as it is called in a zone. @param {number} at ms @param {string} zone */
const dayOf = (at, zone) => new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(at)

/** Brings buckets up to a time: what ends keeps its level, what begins starts from it, the oldest falls out. @param {BoardSeries} series @param {number} at ms */
function roll({ stepS, at: starts, counts }, at) {
  const last = starts.at(-1)
  if (last === undefined) return false
  const begun = Math.floor((at / 1000 - last) / stepS)
  // After a long sleep everything is newer than what is held.
  const passed = Math.min(begun, starts.length)
  if (passed < 1) return false
  const first = last + (begun - passed + 1) * stepS
  for (let i = 0; i < passed; i++) starts.push(first + i * stepS)
  starts.splice(0, passed)
  for (const line of counts.values()) {
    const level = line.values.at(-1) ?? line.base
    line.base = line.values[passed - 1] ?? level
    line.values.splice(0, passed)
    for (let i = 0; i < passed; i++) line.values.push(level)
  }
  return true
}

/** Takes in the past of further counts, in the buckets that are held. @param {Board} board @param {Frames['snapshot']['series'][number]} given */
function addSeries(board, given) {
  const held = board.series.get(given.range)
  if (!held || held.counts.size === 0 || held.stepS !== given.stepS) {
    board.series.set(given.range, seriesOf(given))
    return
  }
  roll(held, (given.at.at(-1) ?? 0) * 1000)
  for (const { id, base, values } of given.counts) {
    let i = -1
    const levels = held.at.map((start) => {
      while ((given.at[i + 1] ?? Number.POSITIVE_INFINITY) <= start) i++
      return values[i] ?? base
    })
    held.counts.set(id, { base, values: levels })
  }
}

/** @param {Board} board @param {number} at ms @param {Change} change */
function passTime(board, at, change) {
  const minute = Math.floor(at / 60_000)
  if (minute > Math.floor(board.at / 60_000)) {
    const day = dayOf(at, board.zone)
    if (day !== board.day) {
      board.day = day
      for (const count of board.counts.values()) if (!count.missing && count.today !== null) count.today = 0
      change.all = true
    }
  }
  board.at = at
  for (const series of board.series.values()) if (roll(series, at)) change.all = true
}

/** @param {Board} board @param {Frames['delta']} frame @param {Change} change */
function applyDelta(board, frame, change) {
  for (const info of frame.infos ?? []) {
    board.counts.set(info.id, info)
    change.counts.add(info.id)
  }
  for (const panel of frame.panels ?? []) {
    board.panels.set(panel.id, panel)
    change.panels.add(panel.id)
  }
  for (const series of frame.series ?? []) addSeries(board, series)
  for (const { id, value, delta, version } of frame.counts) {
    const count = board.counts.get(id)
    if (!count || count.missing || version < count.version) continue
    count.value = value
    count.version = version
    if (count.today !== null) count.today += delta
    change.counts.add(id)
    for (const { counts } of board.series.values()) {
      const line = counts.get(id)
      if (line) line.values[line.values.length - 1] = value
    }
  }
}

/**
 * Folds a frame into what is shown; the memory it takes is bounded by the dashboard, not by time.
 * @param {Board | null} board changed in place @param {import('../types.js').FrameName} name @param {any} frame
 * @returns {{ board: Board | null, change: Change }}
 */
export function fold(board, name, frame) {
  /** @type {Change} */
  const change = { all: false, counts: new Set(), panels: new Set(), alerts: false }
  if (name === 'snapshot' || name === 'dashboard') {
    return { board: boardOf(frame), change: { ...change, all: true, alerts: true } }
  }
  if (!board) return { board, change }
  if (frame.at) passTime(board, Date.parse(frame.at), change)
  if (name === 'delta') applyDelta(board, frame, change)
  else if (name === 'alert') {
    board.alerts = frame.alerts
    change.alerts = true
  } else if (name === 'status') board.status = frame
  return { board, change }
}

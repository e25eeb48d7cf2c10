import { currentSession, get, query, request } from '/assets/api.js'

/** @typedef {import('./types.js').Count} Count */

/** @param {string} id */
export const pathOf = (id) => `/admin/counts/${encodeURIComponent(id)}`

/** @param {Pick<Count, 'id' | 'revision'>} count */
export const deleteCount = ({ id, revision }) => request('DELETE', pathOf(id), { revision })

/** @param {Pick<Count, 'id' | 'created'>} count @returns {Promise<Count>} */
export const restoreCount = ({ id, created }) =>
  request('POST', `/admin/trash/${encodeURIComponent(id)}/${created}/restore`, { body: {} })

/** @param {Pick<Count, 'id' | 'revision'>} count @param {Partial<Count>} change @returns {Promise<Count>} */
export const changeCount = ({ id, revision }, change) =>
  request('PATCH', pathOf(id), { revision, body: change })

/** What undoes the signed-in user's last change of a count: one found in the audit log, compensated there. @param {string} id */
export async function undoLast(id) {
  const actor = currentSession()?.username ?? ''
  /** @type {import('./types.js').Page<import('./types.js').AuditEntry>} */
  const { items } = await get(`/admin/audit${query({ actor, subject: id, limit: 5 })}`)
  const last = items.find((entry) => entry.undoable)
  if (last) await request('POST', `/admin/audit/${last.id}/undo`, { body: {} })
}

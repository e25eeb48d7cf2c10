import { get, may, request } from '/assets/api.js'
import { save } from '/assets/files.js'
import { t } from '/assets/i18n.js'
import { session as kept } from '/assets/storage.js'
import { toast, toastError } from '/assets/toast.js'
import { boardPath } from './site.js'

/** @typedef {{ id: string, name: string, revision: number }} Named */

/** @param {string} id */
export const pathOf = (id) => `/dashboards/${encodeURIComponent(id)}`

/** @param {Named} dashboard @returns {Promise<Named>} */
export const duplicate = ({ id }) => request('POST', `${pathOf(id)}/duplicate`, { body: {} })

/** Into the trash. @param {Named} dashboard */
export const remove = ({ id, revision }) => request('DELETE', pathOf(id), { revision })

/** @param {{ id: string }} dashboard */
export const restore = ({ id }) => request('POST', `/dashboards/trash/${encodeURIComponent(id)}/restore`, {})

/** As a file that this or another deployment imports. @param {Named} dashboard */
export async function download({ id, name }) {
  const file = await get(`${pathOf(id)}/export`)
  save(new Blob([JSON.stringify(file, null, 2)], { type: 'application/json' }), `${name}.json`)
}

/** Said on the next page: this one is left. */
const farewell = 'count.dashboards.deleted'

/** The undo of what the page before deleted. @param {() => void} onDone */
export function sayDeleted(onDone) {
  const text = kept.get(farewell)
  if (!text) return
  kept.set(farewell, null)
  const { id, name } = JSON.parse(text)
  toast(t('boards.deleted', { name }), { undo: () => restore({ id }).then(onDone) })
}

/**
 * What can be done with a dashboard, for its menu; the first opens the share dialog.
 * @param {Named} dashboard @param {{ share: () => void, revisions: () => void }} open
 */
export function boardActions(dashboard, { share, revisions }) {
  const editor = may('editor')
  const copy = () =>
    duplicate(dashboard).then((made) => location.assign(`${boardPath(made.id)}&edit=1`), toastError)
  const discard = () =>
    remove(dashboard).then(() => {
      kept.set(farewell, JSON.stringify(dashboard))
      location.assign('/dashboards/')
    }, toastError)
  return [
    editor && { label: t('share.action'), onSelect: share },
    editor && { label: t('boards.duplicate'), onSelect: copy },
    { label: t('revisions.title'), onSelect: revisions },
    { label: t('boards.export'), onSelect: () => download(dashboard).catch(toastError) },
    { label: t('site.alerts'), href: '/dashboards/alerts' },
    editor && { label: t('action.delete'), danger: true, onSelect: discard },
  ]
}

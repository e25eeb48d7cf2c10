import { get, request } from '/assets/api.js'

/** @typedef {import('./types.js').Job} Job */

/**
 * Follows a job until it ends, each second.
 * @param {Job} job @param {(job: Job) => void} [onProgress] @param {AbortSignal} [signal]
 * @returns {Promise<Job>}
 */
export async function follow(job, onProgress = () => {}, signal) {
  let now = job
  onProgress(now)
  while (now.status === 'running' && now.id && !signal?.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    now = await get(`/admin/jobs/${now.id}`, signal ? { signal } : {})
    onProgress(now)
  }
  return now
}

/** @param {Job} job */
export const undoJob = async (job) =>
  await follow(await request('POST', `/admin/jobs/${job.id}/undo`, { body: {} }))
/** @param {Job} job */
export const cancelJob = (job) => request('DELETE', `/admin/jobs/${job.id}`)

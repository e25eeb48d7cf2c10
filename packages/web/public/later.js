import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { ErrorState, Skeleton } from './states.js'

/** @typedef {(props: any) => unknown} Drawn */

/** A component that is fetched when it is first shown: what few visits need, the others do not wait for. @param {() => Promise<Drawn>} load */
export function later(load) {
  /** @type {Drawn | null} */
  let loaded = null
  return function Later(/** @type {Record<string, unknown>} */ props) {
    const [state, setState] = useState({
      ready: loaded !== null,
      error: /** @type {unknown} */ (null),
    })
    useEffect(() => {
      if (loaded) return
      load().then(
        (component) => {
          loaded = component
          setState((old) => ({ ...old, ready: true }))
        },
        (error) => setState((old) => ({ ...old, error })),
      )
    }, [])
    if (loaded) return html`<${loaded} ...${props} />`
    // A module whose loading failed stays failed until the page is loaded anew.
    const retry = () => location.reload()
    return state.error
      ? html`<${ErrorState} error=${state.error} onRetry=${retry} />`
      : html`<${Skeleton} rows=${4} />`
  }
}

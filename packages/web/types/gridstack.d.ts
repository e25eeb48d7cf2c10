import type { GridStack as Grid } from 'gridstack'

declare global {
  /** Set by running `/assets/vendor/gridstack.js`. */
  var GridStack: typeof Grid
}

import type {
  Frame,
  FrameName,
  ShownAlert,
  ShownCount,
  ShownPanel,
  StreamStatus,
} from '../../../packages/core/src/dashboard-frames.ts'
import type { Range, SharedDashboard } from '../../../packages/core/src/dashboards.ts'

export type { AlertBody, AlertCondition, AlertRule } from '../../../packages/core/src/alerts.ts'
export type {
  FrameName,
  ShownAlert,
  ShownCount,
  ShownPanel,
} from '../../../packages/core/src/dashboard-frames.ts'
export type {
  CountSelection,
  Dashboard,
  DashboardBody,
  Panel,
  PanelLayout,
  PanelType,
  Range,
  Threshold,
} from '../../../packages/core/src/dashboards.ts'
export type { AlertView, DeliveryView, TransitionView } from '../src/alerts/schemas.ts'
export type {
  DashboardSummary as Summary,
  Page,
  RevisionSummary as Revision,
  ShareView as Share,
  TemplateView as Template,
  TrashedDashboard as Trashed,
} from '../src/schemas.ts'
export type Frames = { [N in FrameName]: Frame<N> }

/** The levels of counts in one range: `at` in s, a value each, the last one still open. */
export interface BoardSeries {
  stepS: number
  at: number[]
  counts: Map<string, { base: number; values: number[] }>
}

/** What the frames of a stream came to: everything that is shown. */
export interface Board {
  /** ms, by the server's clock */
  at: number
  /** Which day `today` counts from, in `zone`. */
  day: string
  zone: string
  dashboard: SharedDashboard
  status: StreamStatus
  counts: Map<string, ShownCount>
  panels: Map<string, ShownPanel>
  series: Map<Range, BoardSeries>
  alerts: ShownAlert[]
}

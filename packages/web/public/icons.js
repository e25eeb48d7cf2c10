import { html } from '/assets/vendor/preact.js'

/** Drawn in 16 × 16, in the colour of the text. */
const paths = {
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Zm3.3 7.8 3.2 3.2',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  globe: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM2 8h12M8 2c4 4 4 8 0 12M8 2C4 6 4 10 8 14',
  theme: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 0v12M8 5h3.5M8 8h4.5M8 11h3.5',
  user: 'M8 2.5a2.75 2.75 0 1 1 0 5.5 2.75 2.75 0 0 1 0-5.5ZM2.8 13.5c.6-2.3 2.5-3.5 5.2-3.5s4.6 1.2 5.2 3.5',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  back: 'M10 4L6 8l4 4',
  warn: 'M8 2.5 14.5 13.5h-13ZM8 6.5v3.2M8 11.6v.01',
  check: 'M3 8.5l3.2 3L13 4.5',
  bell: 'M4.5 11V7a3.5 3.5 0 0 1 7 0v4l1 1.5h-9ZM7 14h2',
  plus: 'M8 3v10M3 8h10',
  grip: 'M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01',
  undo: 'M6 3.5 3 6.5l3 3M3 6.5h6.5a3.5 3.5 0 0 1 0 7H7',
  redo: 'M10 3.5l3 3-3 3M13 6.5H6.5a3.5 3.5 0 0 0 0 7H9',
  'panel-number': 'M3 13V5L1.5 6.5M6 6.5a2 2 0 1 1 3.6 1.2L6 13h4M12 5h2.5L13 8a2.5 2.5 0 1 1-1.5 4.5',
  'panel-line': 'M2 12.5l4-5 3 3 5-7',
  'panel-bar': 'M3 13V8M8 13V3M13 13V6',
  'panel-table': 'M2 3.5h12v9H2ZM2 6.5h12M7 6.5v6',
  'panel-gauge': 'M2 12a6 6 0 1 1 12 0M8 12l3-4',
  'panel-markdown': 'M3 4h10M3 7h10M3 10h7M3 13h5',
  share: 'M8 9.5v-7M5 5l3-3 3 3M3.5 8.5v5h9v-5',
  wall: 'M2 3.5h12v8H2ZM5.5 14h5',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z',
}

/** An icon says nothing by itself: the text or `aria-label` beside it does. @param {{ name: keyof typeof paths }} props */
export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>`

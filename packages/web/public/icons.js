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
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z',
}

/** An icon says nothing by itself: the text or `aria-label` beside it does. @param {{ name: keyof typeof paths }} props */
export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>`

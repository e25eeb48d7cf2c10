import type { VNode } from 'preact'

/** What `htm/preact/standalone.module.js` holds; it brings no types of its own. */
export { Component, type ComponentChildren, createContext, type RefObject, render, type VNode } from 'preact'
export { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
export declare const html: (strings: TemplateStringsArray, ...values: unknown[]) => VNode

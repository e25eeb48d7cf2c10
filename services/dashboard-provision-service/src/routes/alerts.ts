import { alertBody } from '@count/core/alerts'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { z } from 'zod'
import type { AlertManager } from '../alerts/alert-manager.ts'
import {
  alertId,
  alertPatch,
  alertQuery,
  alertView,
  savedAlert,
  secretShown,
  transitionView,
} from '../alerts/schemas.ts'
import type { Transitions } from '../alerts/transitions.ts'
import { page, plainQuery } from '../schemas.ts'
import { editor, once, userOf, viewer } from './http.ts'

export const path = '/api/v1/alerts'
export const tags = ['alerts']
export const params = jsonSchema(z.strictObject({ id: alertId }))
const body = jsonSchema(
  alertBody.meta({
    examples: [
      {
        name: 'Stock is low',
        count: 'shop:stock',
        condition: { kind: 'below', at: 10, hysteresis: 5 },
        webhook: { url: 'https://hooks.example/count' },
      },
    ],
  }),
)
const saved = jsonSchema(savedAlert, 'output')

/** Rules of alerts, their state and what happened to them. */
export const alertRoutes =
  ({ alerts, transitions }: { alerts: AlertManager; transitions: Transitions }): RoutePlugin =>
  async (app) => {
    app.post(
      path,
      {
        config: { ...editor, problems: ['conflict'] },
        schema: {
          operationId: 'createAlert',
          summary: "Creates an alert; its webhook's secret is shown this once",
          tags,
          body,
          response: { 201: saved },
        },
      },
      async (request, reply) => {
        const answer = await alerts.create(request.body, userOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply
          .code(201)
          .headers({ ...once, location: `${path}/${answer.value.id}` })
          .send(answer.value)
      },
    )

    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listAlerts',
          summary: 'Alerts with their state, in the order of their names',
          tags,
          querystring: jsonSchema(alertQuery),
          response: { 200: jsonSchema(page(alertView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await alerts.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'getAlert',
          summary: 'An alert with its state',
          tags,
          params,
          response: { 200: jsonSchema(alertView, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await alerts.find(request.params.id)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.put(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'replaceAlert',
          summary: 'Saves an alert; another count or condition starts its state anew',
          tags,
          params,
          body,
          response: { 200: saved },
        },
      },
      async (request, reply) => {
        const answer = await alerts.replace(request.params.id, request.body, userOf(request))
        return answer.ok ? reply.headers(once).send(answer.value) : refuse(reply, answer.problem)
      },
    )

    app.patch(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'changeAlert',
          summary: 'Changes some of an alert, such as whether it is enabled',
          tags,
          params,
          body: jsonSchema(alertPatch),
          response: { 200: saved },
        },
      },
      async (request, reply) => {
        const answer = await alerts.patch(request.params.id, request.body, userOf(request))
        return answer.ok ? reply.headers(once).send(answer.value) : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'deleteAlert',
          summary: 'Removes an alert with its history and deliveries',
          tags,
          params,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await alerts.remove(request.params.id)
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id/history`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'listTransitions',
          summary: 'When an alert opened and closed, newest first',
          tags,
          params,
          querystring: jsonSchema(plainQuery),
          response: { 200: jsonSchema(page(transitionView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await transitions.history(request.params.id, request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/secret`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'rotateSecret',
          summary: 'Gives the webhook a new secret and shows it, this once; the old one signs too for a day',
          tags,
          params,
          response: { 200: jsonSchema(secretShown, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await alerts.rotate(request.params.id, userOf(request))
        return answer.ok ? reply.headers(once).send(answer.value) : refuse(reply, answer.problem)
      },
    )
  }

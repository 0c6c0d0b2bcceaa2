// Deliveries as REST and the command line show them: verdicts that are owed, and those that could not be delivered.
import { type Static, Type } from '@sinclair/typebox'
import { TaskRecord } from './task.ts'

export const DELIVERY_STATES = ['owed', 'dead', 'gone', 'delivered'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

const { delivery, state, reason } = TaskRecord.properties
const nullableTime = (description: string) => Type.Union([Type.String({ format: 'date-time', description }), Type.Null()])

export const DeliveryItem = Type.Object(
  {
    id: Type.String({ description: 'Name of the Job, and the id in URLs.' }),
    task_id: Type.String(),
    execution_id: Type.String(),
    webhook_id: Type.String({ description: 'The message id: the same at each attempt and replay.' }),
    task_state: state,
    reason,
    state: Type.Union(
      DELIVERY_STATES.map((name) => Type.Literal(name)),
      { description: 'dead: the schedule was used up. gone: the receiver answered 410.' },
    ),
    attempts: Type.Integer({ description: 'Failed attempts so far, and the one that closed it.' }),
    next_at: delivery.properties.next_at,
    closed_at: nullableTime('When it was delivered or given up.'),
    last_error: delivery.properties.last_error,
  },
  { $id: 'Delivery', description: 'Where the report of one task stands.' },
)
export type DeliveryItem = Static<typeof DeliveryItem>

export const DeliveryList = Type.Object({ items: Type.Array(DeliveryItem), next_cursor: Type.Union([Type.String(), Type.Null()]) })
export type DeliveryList = Static<typeof DeliveryList>

export const ReplayResult = Type.Object({
  replayed: Type.Array(Type.String(), { description: 'Ids of the deliveries that were opened again.' }),
  failed: Type.Array(Type.Object({ id: Type.String(), detail: Type.String() }), { description: 'Those that could not be; try again.' }),
})
export type ReplayResult = Static<typeof ReplayResult>

// The objects of one resource by name, and what changed. Replace semantics: a list says what exists, so what is missing was deleted.

export interface Stored {
  name: string
  uid: string
  resourceVersion: string
}

export type Change<T> = { type: 'added' | 'updated' | 'deleted'; object: T; previous: T | null }

export interface Store<T extends Stored> {
  get(name: string): T | undefined
  values(): IterableIterator<T>
  size(): number
  /** An ADDED or MODIFIED event, or one listed object. The same resourceVersion again is no change; another uid is a deletion and an addition. */
  put(object: T): void
  /** A DELETED event: `object` is the last state the API knew. */
  remove(object: T): void
  /**
   * A complete list: everything not in it is deleted, with its last known state. Each step applies one object, so that whoever runs through them
   * can let others have their turn; nothing else may be put or removed until the last.
   */
  replace(objects: Map<string, T>): Generator<void, void>
}

export function createStore<T extends Stored>(onChange: (change: Change<T>) => void): Store<T> {
  let objects = new Map<string, T>()

  function compare(next: T, previous: T | undefined): void {
    if (!previous) onChange({ type: 'added', object: next, previous: null })
    else if (previous.uid !== next.uid) {
      onChange({ type: 'deleted', object: previous, previous })
      onChange({ type: 'added', object: next, previous: null })
    } else if (previous.resourceVersion !== next.resourceVersion) onChange({ type: 'updated', object: next, previous })
  }

  return {
    get: (name) => objects.get(name),
    values: () => objects.values(),
    size: () => objects.size,
    put(object) {
      const previous = objects.get(object.name)
      objects.set(object.name, object)
      compare(object, previous)
    },
    remove(object) {
      const known = objects.get(object.name)
      // A late DELETED of an earlier object must not take the one that now bears its name.
      if (!known || known.uid !== object.uid) return
      objects.delete(object.name)
      onChange({ type: 'deleted', object, previous: known })
    },
    *replace(next) {
      const before = objects
      objects = next
      for (const [name, previous] of before) {
        if (!next.has(name)) onChange({ type: 'deleted', object: previous, previous })
        yield
      }
      for (const [name, object] of next) {
        compare(object, before.get(name))
        yield
      }
    },
  }
}

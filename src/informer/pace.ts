// Long work in slices: says when others should have their turn of the event loop, and gives it to them.

/** Far under what anybody would notice; a probe, a renewal or a request waits no longer for us. */
const SLICE_MS = 10

export function createPace() {
  let sinceMs = performance.now()
  return {
    due: (): boolean => performance.now() - sinceMs >= SLICE_MS,
    async pause(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      sinceMs = performance.now()
    },
  }
}

// What a process of ours gets from the environment of the tests: nothing that could change its behaviour.

export function processBasics(): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME, ...(NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}) } as NodeJS.ProcessEnv
}

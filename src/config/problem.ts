// One thing wrong with a configuration, or worth a warning. Type only.

export interface ConfigProblem {
  /** Dotted key, as in the file: callback.url. */
  key: string
  /** What is wrong and the remedy, to be read after the key; never a value that may be secret. */
  detail: string
}

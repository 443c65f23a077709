// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Keys that are remembered. Whoever was not seen for longest is forgotten first, and then has a full budget again. */
const MAX_KEYS = 10_000;

export interface BudgetsOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
}

interface Budget {
  tokens: number;
  refilledAt: number;
}

/** A rate limit for each of many keys, in bounded memory. */
export class Budgets {
  readonly #options: BudgetsOptions;
  readonly #budgets = new Map<string, Budget>();

  constructor(options: BudgetsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#budgets.size;
  }

  /** False if the key has spent its budget. */
  take(key: string): boolean {
    const budget = this.#refilled(key);
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }

  /** Takes back one {@linkcode Budgets.take}. */
  giveBack(key: string): void {
    const budget = this.#refilled(key);
    budget.tokens = Math.min(budget.tokens + 1, this.#options.burst);
  }

  #refilled(key: string): Budget {
    const { perSecond, burst } = this.#options;
    const now = this.#options.now();
    const budget = this.#budgets.get(key) ?? { tokens: burst, refilledAt: now };
    budget.tokens = Math.min(burst, budget.tokens + (now - budget.refilledAt) / 1000 * perSecond);
    budget.refilledAt = now;
    // To the end of the map, which is in the order of insertion.
    this.#budgets.delete(key);
    if (this.#budgets.size >= MAX_KEYS) this.#budgets.delete(this.#budgets.keys().next().value!);
    this.#budgets.set(key, budget);
    return budget;
  }
}

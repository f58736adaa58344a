/** `npm run bench:orders`: what an order costs us; with `--counts` what it consists of, with `--growth` whether it stays the same when something grows, with `--saturation` what becomes of more orders than are carried, with `--peers` the same orders through ours and the usual stack. */
if (process.argv.includes('--peers')) await import('./compare.ts')
else if (process.argv.includes('--growth')) await import('./growth.ts')
else if (process.argv.includes('--saturation')) await import('./saturation.ts')
else if (process.argv.includes('--counts')) await import('./counts.ts')
else await import('../order-cost.ts')

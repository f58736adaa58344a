/** `npm run bench:orders`: what an order costs us; with `--peers` the same orders through ours and the usual stack. */
if (process.argv.includes('--peers')) await import('./compare.ts')
else await import('../order-cost.ts')

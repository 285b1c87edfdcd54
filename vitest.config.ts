import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start servers and package managers; two cores are what CI has.
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});

import { sessionScoped } from './http/session-scope.js';

/** What the client has said so far. */
export const notes = sessionScoped((): string[] => []);

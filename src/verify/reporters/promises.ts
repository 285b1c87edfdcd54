/** What each check proves, in a sentence for people who do not know the checks. */
export const promises: Readonly<Record<string, string>> = {
  drift: 'The project is still as it was converted',
  types: 'The types of the project are right',
  build: 'The project builds',
  stdio: 'The stdio server shows what it showed before the conversion',
  parity: 'HTTP shows and answers what stdio does',
  isolation: 'A client never sees another client',
  concurrency: 'Every answer goes to its asker',
  lifecycle: 'Probes answer, and a stop loses nothing',
  defence: 'Hostile and broken requests are refused',
  conformance: 'The official conformance scenarios pass',
  replicas: 'Processes answer as one, and one that is killed takes along no more than it has to',
};

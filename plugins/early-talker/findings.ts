import { findingKey } from 'postern/plugin'

/** The client spoke before it was greeted, and was let in nevertheless. */
export const spokeEarly = findingKey<true, 'early-talker'>('early-talker')

import { findingKey } from 'postern/plugin'

/** Which checks of the header objected: `future_date`, `from_multiple`. Only where one did. */
export const headerFaults = findingKey<readonly string[], 'header-faults'>('header-faults')

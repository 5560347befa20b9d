/** Below it stands whatever the API answers. */
export const apiPrefix = '/api/v1'

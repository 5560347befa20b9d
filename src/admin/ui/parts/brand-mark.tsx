/** The small door. */
export function BrandMark() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M5 30V14a11 11 0 0 1 22 0v16h-6V16a5 5 0 0 0-10 0v14z" />
    </svg>
  )
}

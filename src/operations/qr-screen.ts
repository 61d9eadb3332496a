import { renderUnicodeCompact } from 'uqr';

/** What a person sees who is to link this machine: the code and one line that says what to do with it. */
export function qrScreen(qr: string): string {
  return [
    '',
    renderUnicodeCompact(qr, { border: 2 }),
    '',
    'Scan it with WhatsApp on your phone: Settings → Linked devices → Link a device. A new code follows when this one is stale.',
    '',
  ].join('\n');
}

import { generate } from 'selfsigned';

/** What an HTTPS server on 127.0.0.1 proves itself with, in PEM. */
export interface MediaCertificate {
  /** What clients must trust. */
  authority: string;
  certificate: string;
  privateKey: string;
}

/** Mints an authority of its own and a certificate for 127.0.0.1, valid for a year. */
export async function mintCertificate(): Promise<MediaCertificate> {
  const common = { keyType: 'ec', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: 'Simulator media authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { authority: authority.cert, certificate: server.cert, privateKey: server.private };
}

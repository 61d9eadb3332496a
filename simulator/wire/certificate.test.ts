import { proto, WA_CERT_DETAILS } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { type BrokenSignature, CertificateAuthority } from './certificate.ts';
import { verifyXEdDSA } from './xeddsa.ts';

function check(
  authority: CertificateAuthority,
  broken?: BrokenSignature,
): { leaf: boolean; intermediate: boolean } {
  const { leaf, intermediate } = proto.CertChain.decode(authority.chain(broken));
  const issuer = proto.CertChain.NoiseCertificate.Details.decode(intermediate!.details!);
  expect(issuer.issuerSerial).toBe(WA_CERT_DETAILS.SERIAL);
  return {
    intermediate: verifyXEdDSA(
      Buffer.from(authority.rootKey, 'hex'),
      intermediate!.details!,
      intermediate!.signature!,
    ),
    leaf: verifyXEdDSA(issuer.key!, leaf!.details!, leaf!.signature!),
  };
}

it('a certificate chain has its leaf signed by the intermediate, and that by the root', () => {
  const authority = new CertificateAuthority();
  expect(check(authority)).toEqual({ leaf: true, intermediate: true });
  const { leaf } = proto.CertChain.decode(authority.chain());
  const subject = proto.CertChain.NoiseCertificate.Details.decode(leaf!.details!).key;
  expect(Buffer.from(subject!)).toEqual(authority.serverKey.public);
});

it('a certificate chain has one wrong signature when that is configured', () => {
  const authority = new CertificateAuthority();
  expect(check(authority, 'leaf')).toEqual({ leaf: false, intermediate: true });
  expect(check(authority, 'intermediate')).toEqual({ leaf: true, intermediate: false });
});

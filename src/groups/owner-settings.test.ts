import { describe, expect, it } from 'vitest';
import { grantToAgent } from './owner-settings.ts';

const NOTES = { hostPath: '~/notes' };
const CODE = { hostPath: '/srv/my code', containerPath: 'code', readonly: false };

describe('what an agent gets of the settings that it requests for a chat', () => {
  it('is all that is no owner’s act', () => {
    const requested = { timeout: 5, model: 'm', additionalMounts: [NOTES] };
    expect(grantToAgent(requested, {}, 'club')).toEqual({ config: requested, held: [], hint: undefined });
  });

  it('is a directory to read where it asks to write, and the network as it was', () => {
    const requested = { network: 'none', additionalMounts: [NOTES, CODE] } as const;
    expect(
      grantToAgent({ ...requested, additionalMounts: [...requested.additionalMounts] }, {}, 'club'),
    ).toEqual({
      config: { additionalMounts: [NOTES, { ...CODE, readonly: true }] },
      held: ['additionalMounts[1]: read-write', 'network: none'],
      hint: "./nanoclaw groups set club --mount '/srv/my code:rw' --network none",
    });
  });

  it('is what its owner has granted before, and no other path under that name', () => {
    const current = { network: 'none', additionalMounts: [CODE] } as const;
    const settings = { ...current, additionalMounts: [CODE] };
    expect(grantToAgent({ additionalMounts: [CODE] }, settings, 'club')).toMatchObject({
      config: settings,
      held: [],
    });
    const other = { ...CODE, hostPath: '/srv/other' };
    expect(grantToAgent({ additionalMounts: [other] }, settings, 'club')).toMatchObject({
      config: { network: 'none', additionalMounts: [{ ...other, readonly: true }] },
      held: ['additionalMounts[0]: read-write'],
    });
    expect(grantToAgent({ network: 'open' }, settings, 'club')).toMatchObject({
      config: { network: 'none' },
      held: ['network: open'],
    });
    expect(grantToAgent({ network: 'ordinary' }, {}, 'club').held).toEqual([]);
  });

  it('names the command so that a shell reads the path and nothing else', () => {
    const hostPath = "/tmp/$(touch x); rm -rf '~'";
    const { hint } = grantToAgent({ additionalMounts: [{ hostPath, readonly: false }] }, {}, 'club');
    expect(hint).toBe(String.raw`./nanoclaw groups set club --mount '/tmp/$(touch x); rm -rf '\''~'\'':rw'`);
  });
});

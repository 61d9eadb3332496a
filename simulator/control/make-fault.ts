import type { Faults } from '../server/faults.ts';
import { type FaultName, faultRequests } from './requests.ts';

/**
 * Makes the fault of that name with the arguments in a request's body.
 *
 * @returns what the fault's method returns; null when that is nothing.
 * @throws ZodError when the body does not fit.
 */
export async function makeFault(faults: Faults, name: FaultName, body: unknown): Promise<unknown> {
  switch (name) {
    case 'closeWith':
      return faults.closeWith(faultRequests.closeWith.parse(body).code);
    case 'refuseLogins': {
      const { code, times } = faultRequests.refuseLogins.parse(body);
      faults.refuseLogins(code, times);
      return null;
    }
    case 'banAccount': {
      const { seconds, reason } = faultRequests.banAccount.parse(body);
      faults.banAccount(seconds, reason);
      return null;
    }
    case 'refuseUpgrades': {
      const { status, times } = faultRequests.refuseUpgrades.parse(body);
      faults.refuseUpgrades(status, times);
      return null;
    }
    case 'breakCertificate':
      faults.breakCertificate(faultRequests.breakCertificate.parse(body).which);
      return null;
    case 'withholdAcks':
      faults.withholdAcks(faultRequests.withholdAcks.parse(body).count);
      return null;
    case 'delayAcks': {
      const { ms, count } = faultRequests.delayAcks.parse(body);
      faults.delayAcks(ms, count);
      return null;
    }
    case 'deafen':
      return faults.deafen(faultRequests.deafen.parse(body));
    case 'restrictAccount': {
      const { enforced, seconds } = faultRequests.restrictAccount.parse(body);
      faults.restrictAccount(enforced, seconds);
      return null;
    }
    case 'rejectSends': {
      const { code, times } = faultRequests.rejectSends.parse(body);
      faults.rejectSends(code, times);
      return null;
    }
    case 'dropDuringBacklog':
      faults.dropDuringBacklog(faultRequests.dropDuringBacklog.parse(body).afterReceipts);
      return null;
    case 'slowBacklog':
      faults.slowBacklog(faultRequests.slowBacklog.parse(body).pauseMs);
      return null;
    case 'sendUndecodable':
      return faults.sendUndecodable(faultRequests.sendUndecodable.parse(body).what) ?? null;
    case 'garbleMessages':
      faults.garbleMessages(faultRequests.garbleMessages.parse(body).count);
      return null;
    case 'hideGroups':
      faults.hideGroups(faultRequests.hideGroups.parse(body).times);
      return null;
    case 'forgeAccountSignature':
      faults.forgeAccountSignature(faultRequests.forgeAccountSignature.parse(body).times);
      return null;
    case 'refuseUploads':
      faults.refuseUploads(faultRequests.refuseUploads.parse(body).times);
      return null;
    case 'truncateMedia':
      faults.truncateMedia(faultRequests.truncateMedia.parse(body).times);
      return null;
    case 'slowMedia':
      faults.slowMedia(faultRequests.slowMedia.parse(body).bytesPerSecond);
      return null;
    default:
      faultRequests[name].parse(body);
      return (await faults[name]()) ?? null;
  }
}

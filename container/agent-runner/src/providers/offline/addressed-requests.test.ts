import { describe, expect, it } from 'vitest';
import { formatPrompt } from '../../../../../src/protocol/prompt.ts';
import { addressedRequests } from './addressed-requests.ts';

function prompt(...texts: string[]): string {
  const messages = texts.map((text, index) => ({ sender: 'Ann', time: '12:00', id: String(index), text }));
  return formatPrompt(messages, 'Europe/Berlin');
}

describe('what is asked', () => {
  it.each([
    ['@Andy ping', 'ping'],
    ['  @andy, ping ', 'ping'],
    ['@ANDY: echo <b>&"quoted"', 'echo <b>&"quoted"'],
    ['@Andy', ''],
    ['@Andy\nping', 'ping'],
  ])('%j is %j', (text, request) => {
    expect(addressedRequests(prompt(text), 'Andy')).toEqual({ texts: [request], timezone: 'Europe/Berlin' });
  });

  it('stands in every message that calls the assistant, whatever was said before, between and after', () => {
    const texts = ['hi', '@Andy one', 'really?', '@Andy two', 'lunch?'];
    expect(addressedRequests(prompt(...texts), 'Andy').texts).toEqual(['one', 'two']);
  });

  it('is not read from a name that only begins like the assistant’s', () => {
    expect(addressedRequests(prompt('@Andy ping', '@Andyman echo x'), 'Andy').texts).toEqual(['ping']);
    expect(addressedRequests(prompt('@Zoë ping', '@Zoëlla echo x'), 'Zoë').texts).toEqual(['ping']);
  });

  it('is found by another trigger where nobody used the name', () => {
    expect(addressedRequests(prompt('@Bot ping', 'lunch?'), 'Andy').texts).toEqual(['ping']);
  });

  it('is the last message where nobody is called, as in a chat without trigger', () => {
    expect(addressedRequests(prompt('lunch?', 'ping'), 'Andy').texts).toEqual(['ping']);
  });

  it('is the whole text of a prompt in another form', () => {
    expect(addressedRequests('Send a reminder: stretch', 'Andy')).toEqual({
      texts: ['Send a reminder: stretch'],
      timezone: undefined,
    });
  });
});

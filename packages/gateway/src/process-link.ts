/** One end of a line between two processes. Who asks gets the answer to what he asked, in whatever order answers come. */
export interface ProcessLink<Asked> {
  /** Resolves with the other end's answer, rejects with why it could not. What an end that is gone was asked is done. */
  ask(question: Asked): Promise<string | undefined>;
  /** Takes every message of the other end; what others send over the same line is left to them. */
  hear(message: unknown): void;
  /** The other end is gone. */
  end(): void;
}

/** What goes over the line. Each question has a number, which its answer repeats. */
type Message =
  | { readonly link: 'question'; readonly number: number; readonly question: unknown }
  | { readonly link: 'answer'; readonly number: number; readonly value?: string | undefined }
  | { readonly link: 'failure'; readonly number: number; readonly reason: string };

interface Waiting {
  resolve(value: string | undefined): void;
  reject(reason: Error): void;
}

export function createProcessLink<Asked, Heard>(
  send: (message: object) => void,
  answer: (question: Heard) => Promise<string | undefined>,
): ProcessLink<Asked> {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  let isOver = false;

  function respond(number: number, question: Heard): void {
    answer(question).then(
      (value) => send({ link: 'answer', number, value } satisfies Message),
      (error: Error) => send({ link: 'failure', number, reason: error.message } satisfies Message),
    );
  }

  return {
    ask(question) {
      if (isOver) return Promise.resolve(undefined);
      return new Promise((resolve, reject) => {
        const number = ++last;
        waiting.set(number, { resolve, reject });
        send({ link: 'question', number, question } satisfies Message);
      });
    },
    hear(message) {
      const heard = message as Message | undefined;
      if (heard?.link === 'question') respond(heard.number, heard.question as Heard);
      if (heard?.link !== 'answer' && heard?.link !== 'failure') return;
      const asked = waiting.get(heard.number);
      waiting.delete(heard.number);
      if (heard.link === 'answer') asked?.resolve(heard.value);
      else asked?.reject(new Error(heard.reason));
    },
    end() {
      isOver = true;
      for (const { resolve } of waiting.values()) resolve(undefined);
      waiting.clear();
    },
  };
}

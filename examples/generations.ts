// generations: a server in small. Requests allocate what is garbage when they end; a session lives for some hundred requests;
// a route, made now and then, lives for ever. So objects die at three ages, and the sampled live set is a mixture of them.
import { func, type GoFunc, i32, ptr, type Ref, self, slice, struct, u8 } from '../runtime/index.ts';
import { random } from './random.ts';

const Route = struct('main.Route', { id: i32, next: self });
const Session = struct('main.Session', { id: i32, requests: i32, data: slice(u8) });
const Request = struct('main.Request', { id: i32, session: ptr(Session), body: slice(u8), reply: slice(u8) });
const Server = struct('main.Server', { routes: ptr(Route), sessions: slice(ptr(Session)) });

const addRoute = func('main.addRoute', { r: Route }, (f, server: Ref<typeof Server>, id: number) => {
  f.r = f.new(Route);
  f.r.id = id;
  f.r.next = server.routes;
  server.routes = f.r;
});

const openSession = func('main.openSession', { s: Session }, (f, server: Ref<typeof Server>, id: number, place: number) => {
  f.s = f.new(Session);
  f.s.id = id;
  f.s.data = f.make(slice(u8), 200);
  server.sessions.set(place, f.s); // the one that was there is dropped
});

const handle = func('main.handle', { r: Request }, (f, server: Ref<typeof Server>, id: number, place: number, bytes: number) => {
  f.r = f.new(Request);
  f.r.id = id;
  f.r.session = server.sessions.get(place);
  f.r.body = f.make(slice(u8), bytes);
  f.r.reply = f.make(slice(u8), 2 * bytes);
  if (f.r.session !== null) f.r.session.requests++;
});

/** Sessions that are open at once. */
const sessions = 500;

/** The program: `requests` requests. */
export function generations(requests: number, seed = 1): GoFunc<[]> {
  return function* main(go) {
    const f = go.locals({ server: Server });
    const rnd = random(seed);
    f.server = go.new(Server);
    f.server.sessions = go.make(slice(ptr(Session)), sessions);
    for (let id = 0; id < requests; id++) {
      const place = rnd.below(sessions);
      if (id % 100 === 0) addRoute(go, f.server, id);
      if (rnd.below(8) === 0) openSession(go, f.server, id, place);
      handle(go, f.server, id, place, 32 + rnd.below(480));
      if (id % 16 === 0) yield* go.gosched();
    }
  };
}

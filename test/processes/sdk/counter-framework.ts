/** A framework for tests with real processes: keeps as many sleepers as an operator says. */
import { IsInt, Max, Min } from 'class-validator';
import {
  Admin,
  type AdminRequest,
  Framework,
  Get,
  MemoryRepository,
  type Offers,
  OnOffers,
  Put,
  type Repository,
  Stored,
  task,
} from '../../../sdk/index.js';

class SizeDto {
  @IsInt() @Min(0) @Max(20) count!: number;
}

@Framework({ name: 'sleepers' })
@Admin('/v1/size')
export class Sleepers {
  @Stored('size') readonly size: Repository<number> = new MemoryRepository();

  @OnOffers() place(offers: Offers) {
    const count = this.size.get('count') ?? 1;
    return offers.keep(
      count,
      task({ name: 'sleeper', cpus: 0.1, memMiB: 16, command: 'sleep 1000' }),
    );
  }

  @Get() read(): object {
    return { count: this.size.get('count') ?? 1 };
  }

  @Put('/', { body: SizeDto }) write({ body }: AdminRequest<SizeDto>): object {
    this.size.set('count', body.count);
    return body;
  }
}
